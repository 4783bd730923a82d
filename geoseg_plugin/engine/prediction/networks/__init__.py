"""Networks that are ready to answer, whichever library runs them."""
