"""What is published next, and its bytes. Pure: no socket, no file, no clock.

`queue` is the whole of it: changes go in, the revision that should be published comes out. Below it, `rows`
says whose a row is and which others it names, `packer` and `stored` keep packed rows, `waiting` has the rows
that are not published yet, `plan` chooses among them, `room` finds out what a part that is too large does
without, `groups` says which edges hold an account's rows.
"""
