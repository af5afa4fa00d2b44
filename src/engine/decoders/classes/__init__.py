"""The classes decoder: several maps, of which every particle shows one."""
