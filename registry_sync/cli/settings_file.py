"""The commented settings file that ``init`` writes: every key with its default."""

from __future__ import annotations

TEXT = """\
# Settings of registry-sync. Every key can also be set by the environment, which wins: REGISTRY_SYNC_<SECTION>_<KEY>, for
# example REGISTRY_SYNC_SMTP_PASSWORD. Paths are relative to this file.

database = "history.db"                 # the history: one SQLite file

[ctgov]
url = "https://clinicaltrials.gov"      # the site: /api/v2 lives under it

[http]
contact = ""                            # your mail address: goes into the User-Agent, so that a site can reach you
requests_per_minute = 50                # for each host and port, as a bucket that may be spent at once; 1 to 600000
timeout = 30                            # seconds for one request as a whole
attempts = 4                            # tries of one request, the first included; waits honour Retry-After

[pages]
profiles = ""                           # a folder with profiles of trial-finder sites of your own

[smtp]
host = "localhost"
port = 25
security = "none"                       # none | starttls | tls
ca_file = ""                            # your own certificate authority; empty: the system's
auth = "password"                       # password | xoauth2 (the password is then the token)
username = ""                           # empty: no login
password = ""                           # better in the environment: REGISTRY_SYNC_SMTP_PASSWORD
per_minute = 600                        # mails, as a bucket; 1 to 600000
timeout = 30                            # seconds for one answer of the server; a mail as a whole may take four times that
sender = "Trial alerts <alerts@localhost>"
reply_to = ""
unsubscribe = ""                        # mailbox for List-Unsubscribe by mail, read by `unsubscribe --from-mail`
operator = ""                           # who hears of trouble: sources down, notices parked or stuck; empty: the log
alarm_hours = 6                         # a notice that is so late is trouble
weekly = false                          # may the operator also hear once a week that all is well?

[webhook]
allow_private = false                   # may posts go to private or loopback addresses?

[schedule]                              # standard cron lines (0 and 7 are Sunday), in this time zone; `run` goes by them
timezone = "UTC"
sync = "17 */6 * * *"                   # the registry
pages = "43 5 * * *"                    # the trial-finder pages
deliver = "* * * * *"
backup = "11 3 * * *"
digest = "0 7 * * *"                    # when a day ends for daily readers; weekly ones on `week_ends`
week_ends = "monday"

[retention]                             # days; 0: for ever
stopped_subscriptions = 30
old_contacts = 30                       # names, phones and addresses that the registry has taken down
backups = 14

[log]                                   # of `run` and `serve`, to stderr; no mail address is ever in it
format = "text"                         # text | keyvalue | json
level = "info"                          # debug | info | warning | error

[web]
url = ""                                # public address, used in links; empty: links that need it are left out
listen = "127.0.0.1:8080"
operator_token = ""                     # opens /operator; better in the environment: REGISTRY_SYNC_WEB_OPERATOR_TOKEN
operator_header = ""                    # the header in which your proxy names who has logged in, such as "Remote-User"
trusted_proxies = []                    # addresses and networks of your proxies, whose word on who asks is taken
"""
