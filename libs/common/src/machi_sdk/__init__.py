"""What every Machi pod stands on; the CHARTER beside this distribution says what may enter."""
