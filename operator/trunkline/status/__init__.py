"""Pure: from what the compiler says and the edges acknowledge to the status of every object."""
