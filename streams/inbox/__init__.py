"""The operations inbox: alerts from Kafka into SQL, and the web console for handling them."""
