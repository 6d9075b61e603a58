"""Status that changes and effects that change: landmarks, start-stop rows, windows of follow-up."""
