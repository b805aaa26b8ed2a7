"""A small world on loopback: a registry, a listing page, a mail server and a webhook, all scriptable."""
