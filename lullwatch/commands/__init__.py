"""One module for each command of the command line; thin: they parse, call, and print."""
