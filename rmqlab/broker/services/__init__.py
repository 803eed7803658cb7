"""What a broker does by itself: each service is one `step`, called again and again."""
