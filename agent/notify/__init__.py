"""Other ways out of an alarm than MQTT: a program (a siren, a relay, an SMS modem), and e-mail.

`follower` decides what goes out and what has gone, `hook` and `mail` are how.
"""

from agent.notify.follower import Follower, NotNow, Refused, Wanted
from agent.notify.hook import Hook, HookSettings
from agent.notify.mail import Mail, MailSettings

__all__ = ["Follower", "Hook", "HookSettings", "Mail", "MailSettings", "NotNow", "Refused", "Wanted"]
