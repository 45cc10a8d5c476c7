"""The call decision, pure: `route(table, request, ...) -> Decision`, and what follows a failed attempt."""
