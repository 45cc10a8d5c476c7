"""STIR/SHAKEN: what a call's PASSporTs claim, what is made of it, and what is claimed of a call. Pure.

Signing and checking signatures is the agent's; no key and no library of cryptography is known here.
"""
