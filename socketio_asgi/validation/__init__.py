"""Types of applications: values from the wire are validated and converted, and results written.

    annotations     the annotations of a function, evaluated
    libraries       which library a type belongs to
    compiling       strict rules of our own for builtins, dataclasses and the like
    pydantic_types  the rules of pydantic, where a type is made with it
    msgspec_types   the rules of msgspec, likewise
    types           the choice between them: what other layers use

Nothing in here knows of events or servers.
"""
