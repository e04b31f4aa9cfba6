"""The version of the expression language. Every release is pinned to the one it was written for: what an expression means never changes
under a release's feet. A change of meaning is a new version, and releases of the old one go on being read by its rules."""

VERSION = 1
KNOWN = (1,)
