"""Which registrations are about tumour cells: rules as data, every verdict with its words."""
