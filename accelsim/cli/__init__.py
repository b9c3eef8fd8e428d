"""The command line: thin commands over the Python calls; heavy imports happen inside them."""
