"""Numbers that several addresses count together: each tells its part, each sums up those of the others. Pure.

A *tally* is such a number, by its name: `calls:trunk:acme/hq`, `new:account:acme`, `minutes:account:acme`.
Its *parts* are told over `messages`, kept by the `book`, and read by calls as rows of the learned store.
"""
