"""The command line, one module a group of verbs: parse, call the library, print."""
