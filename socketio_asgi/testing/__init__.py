"""Tools for the tests of applications, and of drivers of one's own."""
