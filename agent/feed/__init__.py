"""What the gateway says on local MQTT, with the broker there or not. Below `aqua/<gateway>/`, JSON, QoS 1:

    status                                        retained  "online" with a heartbeat, or "offline" (the last will)
    store                                         retained  the ring buffer: ok, salvaging or failing
    alarm/<tank>/<probe>/<sensor>/<kind>/state    retained  where this alarm stands
    alarm/event                                   one message a change, numbered by "seq"
    alarm/metrics                                 retained  how the alarms do as a whole, once a minute
    reading/<tank>/<probe>/<sensor>               a checked reading, when it has changed or it is time again
    health/gateway                                retained  how the gateway itself is
    health/<tank>                                 retained  how well the tank is doing: the scores, every 5 minutes
    health/<tank>/<probe>                         retained  how the probe does: the evidence, every 5 minutes
    metrics                                       retained  the gateway in numbers, every minute
    cmd/<verb>                                    in: what people want of an alarm (agent.alarm_orders)
    result                                        what became of it

`schemas/` has a JSON Schema of every payload and `asyncapi.yaml` says the same as an AsyncAPI document. Nothing that is
delivered to the cloud passes here, so nothing there can delay it.
"""

from agent.feed.feed import Feed
from agent.feed.settings import MqttSettings, SparkplugSettings

__all__ = ["Feed", "MqttSettings", "SparkplugSettings"]
