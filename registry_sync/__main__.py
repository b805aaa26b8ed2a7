"""``python -m registry_sync`` is ``registry-sync``."""

from registry_sync.cli import main

main()
