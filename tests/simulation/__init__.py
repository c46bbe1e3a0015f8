"""Random fault schedules in virtual time against a provider with its own billing ledger."""
