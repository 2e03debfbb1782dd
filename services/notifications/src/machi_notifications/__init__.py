"""Who is told what, in which language and when."""
