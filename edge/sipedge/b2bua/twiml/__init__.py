"""Call instructions in TwiML: reading a document, following it, and asking for the next one."""
