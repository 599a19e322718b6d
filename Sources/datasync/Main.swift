print("datasync")
