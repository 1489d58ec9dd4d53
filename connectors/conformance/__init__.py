"""The conformance kit: what every connector must show, run against a fake or the real system.

In a connector's own tests::

    from connectors.conformance.suite import ConformanceSuite

    class TestMine(ConformanceSuite):
        @pytest.fixture
        def subject(self) -> Subject: ...
"""
