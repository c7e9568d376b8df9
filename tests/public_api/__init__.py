"""What of the public API was added, renamed, changed or removed since another revision.

>>> python -m tests.public_api --against v0.1.0

Without ``--against`` it lists what there is. Public are the names in ``__all__`` of the packages in
:data:`.describe.PACKAGES`, those that the integrations define, and the members of all these that
have no underscore in front.
"""
