"""What both web applications share: the frame of an application, its pages and its safety."""
