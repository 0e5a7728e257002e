"""The known formats of events, a module for each family; `RECOGNISERS` of each lists its recognisers."""
