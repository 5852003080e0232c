"""Ways to hand a frame to other processes: the floors, ours, and what others offer, behind one interface.

`transport` is that interface, `registry` the list. Each other module is one way, used as its own documentation says is
fastest: newest frame only where it can be asked for, no serialisation, no copy that can be left out. The rivals live in
an environment of their own, made by `setup.sh`; nothing of it is a dependency of the project.
"""
