"""What a request meets: middleware, sign-in, limits, routes."""
