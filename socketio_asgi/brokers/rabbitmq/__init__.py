"""RabbitMQ: connections by aio-pika, as adapters and emitters use them."""
