"""What `billiards-video doctor` looks at. A check changes nothing, and says what it could not look at, and why."""
