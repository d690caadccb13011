"""``python -m pipeline``."""

from pipeline.system.interrupts import ignore_signals, leave_at_signals


def start() -> None:
    """Run the command line as this process, which a signal ends in good order at any moment."""
    leave_at_signals()
    try:
        from pipeline.cli.app import main

        main()
    finally:
        ignore_signals()


if __name__ == "__main__":
    start()
