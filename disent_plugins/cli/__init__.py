"""The command `disent`: parse, call, print."""
