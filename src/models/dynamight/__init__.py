"""RELION's DynaMight, whose folders are told from others."""
