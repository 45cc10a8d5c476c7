"""Pure: what should exist outside the edge tables. Derived names, DNS records, names of certificates."""
