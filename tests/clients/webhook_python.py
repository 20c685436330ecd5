"""The verifier of Standard Webhooks for Python: it accepts a notice, and refuses a changed byte and an old time."""

import sys

NAME = "Standard Webhooks, Python 1.1.0"
PIP = ("standardwebhooks==1.1.0",)
CHECK = True


def main() -> None:
    from harness import tell
    from standardwebhooks.webhooks import Webhook, WebhookVerificationError
    from webhook import received, stand

    notice = received(stand()["binary"])
    verifier = Webhook(notice["secret"])
    verifier.verify(notice["body"], notice["headers"])
    changed = notice["body"].replace("confirmation", "confirmatiom", 1)
    old = {**notice["headers"], "webhook-timestamp": "1600000000"}
    for body, headers in ((changed, notice["headers"]), (notice["body"], old)):
        try:
            verifier.verify(body, headers)
        except WebhookVerificationError:
            continue
        raise AssertionError("what was changed was accepted")
    tell("accepts a notice, refuses a changed byte and an old time")


if __name__ == "__main__":
    main() if "--check" in sys.argv else None
