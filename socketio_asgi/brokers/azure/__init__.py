"""Azure Service Bus, with azure-servicebus."""
