"""``python -m registry_sync`` is ``registry-sync``."""

from registry_sync.entry import main

main()
