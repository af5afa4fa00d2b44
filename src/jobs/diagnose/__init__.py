"""The ``diagnose`` job: tests of a trained model, a file each."""
