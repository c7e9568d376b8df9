"""SNS and SQS of AWS: their names, their errors, and the clients that speak to them."""
