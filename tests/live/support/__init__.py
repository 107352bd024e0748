"""What the live tests share: the program under test, certificates, servers, captures."""
