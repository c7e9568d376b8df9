"""The contract of an application: its events and their types, written for others.

    description        the events of each namespace, as plain data: what the server fills in
    schemas            the types of all events together as JSON Schema
    own_schemas        those of builtins, dataclasses and the like
    pydantic_schemas   those of pydantic
    msgspec_schemas    those of msgspec
    naming             names for types and for namespaces
    typescript         interfaces for the JavaScript client
    asyncapi           an AsyncAPI document
    page               a page to read
    contract           all that together

Nothing in here knows of servers.
"""
