"""Who gets which ticket, simulated: the planner of the service beside other ways to share work out."""
