"""The tests again and again, in random order, on a machine that is in trouble.

>>> python -m tests.stress --minutes 30

Two runs go on at once, on two versions of Python if there are two environments, so that both wait
for a processor. Tasks begin up to 50 ms late, now and then (``site/sitecustomize.py``), and servers
that tests started as processes stand still for up to a second (:mod:`tests.stress.standstills`). In
the end the tests are listed that failed at least once, each with the seed of its run.
"""
