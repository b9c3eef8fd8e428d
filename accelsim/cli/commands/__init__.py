"""The commands and their flags; what they do is in the modules beside this package."""
