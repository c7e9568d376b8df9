"""An adapter for brokers of MQTT, such as Mosquitto."""

from .adapter import MqttAdapter

__all__ = ["MqttAdapter"]
