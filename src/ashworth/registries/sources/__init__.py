"""Registries asked over the network: politely, to the end, resumed after an interrupt.

The only place of the package that talks to the network.
"""
