"""HTTP as far as Engine.IO needs it: requests and their bodies, responses, and CORS."""
