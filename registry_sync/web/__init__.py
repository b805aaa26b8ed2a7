"""The web pages: plain HTML made by the server, for people who got a link by mail. No script, no cookie, nothing from elsewhere."""
