"""A SIP message by itself: its form, its headers, its body, and what may travel."""
