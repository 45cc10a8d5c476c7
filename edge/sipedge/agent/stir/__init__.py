"""Signs calls and proves what others have signed. The one place of keys and of libraries of cryptography.

Nothing of it is imported while the platform has no STIR/SHAKEN certificate.
"""
